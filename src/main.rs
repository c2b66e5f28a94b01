//! Parses the arguments, calls the library, turns its exit code into the process'.

/// A render makes and drops millions of small values: with the system's allocator that is a third
/// of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    waypost::cli::main().into()
}
