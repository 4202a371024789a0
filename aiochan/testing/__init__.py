"""For people who test code that uses aiochan: loops that are driven by hand."""
