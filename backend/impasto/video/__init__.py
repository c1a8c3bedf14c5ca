"""Moving pictures: clips and animations, painted frame by frame. PyAV is the extra impasto[video]."""
