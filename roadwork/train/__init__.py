"""Train the head from cached features."""
