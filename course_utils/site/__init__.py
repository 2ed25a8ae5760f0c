"""The course as a web site, built from the stored outputs of its lessons."""
