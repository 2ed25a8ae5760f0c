"""Commands of `course` that fill a file of their own."""
