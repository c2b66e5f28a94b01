#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| waypost_fuzz::run("reader", text));
