"""Results as scripts: about twenty to forty lines of PyTorch that make the same array without Convscope."""
