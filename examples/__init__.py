"""Programs that show what code with aiochan looks like; the tests run every one of them."""
