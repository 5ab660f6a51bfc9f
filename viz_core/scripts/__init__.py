"""Results as stand-alone scripts: twenty to forty lines of PyTorch that make the same array without Convscope."""
