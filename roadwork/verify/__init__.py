"""Whether what the stages left behind is whole, and belongs together: each link of the chain in a module of its own."""
