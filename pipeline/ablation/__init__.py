"""What `roadwork ablate` needs to run DVC experiments: names, clones, processes, results."""
