"""Score predictions honestly: intervals, baselines, calibration."""
