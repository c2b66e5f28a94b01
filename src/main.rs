//! Parses the arguments, calls the library, turns its exit code into the process'.

fn main() -> std::process::ExitCode {
    waypost::cli::main().into()
}
