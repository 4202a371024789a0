"""Who is compared: one file for each peer, with a class `Peer` that has one method for each workload it can do."""
