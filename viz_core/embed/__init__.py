"""Pictures as points in the feature space of a network."""
