"""The data sets of the lessons, and where their files are found."""
