"""Recording: every stream into MCAP files that Foxglove opens, on a bounded share of the disk."""
