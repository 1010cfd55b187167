"""The command line: run, status, verify, figure, list, bench."""
