"""A trained model as it is shipped: what it holds, and how it is written and checked."""
