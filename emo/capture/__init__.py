"""Videos, cameras and pictures in, face crops out."""
