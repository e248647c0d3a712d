"""Nodes: thin adapters that read streams, call a room's pure code, and write streams."""
