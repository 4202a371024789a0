"""Who is compared: one file for each peer, with one function for each workload that it can do."""
