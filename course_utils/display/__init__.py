"""What appears on the page: pictures, plots, playgrounds and questions."""
