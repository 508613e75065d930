"""Tell roadwork from no roadwork in street photographs: a frozen backbone, cached features, a light head."""
