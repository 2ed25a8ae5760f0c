"""Diagrams of layers, drawn by the course: a file each, one style, described."""
