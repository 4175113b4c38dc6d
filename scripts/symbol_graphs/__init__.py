"""What the compiler of Swift knows of the public declarations of the library targets."""
