"""A program that runs until it is told to stop, and then stops well."""
