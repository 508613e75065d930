"""How `roadwork verify` reads a project, one module per part of the data's route."""
