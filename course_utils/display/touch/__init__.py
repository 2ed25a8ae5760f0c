"""Things one touches: widgets that answer in the browser, without the kernel."""
