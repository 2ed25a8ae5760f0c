"""For those who write lessons: rules, links, and one normal form of the files."""
