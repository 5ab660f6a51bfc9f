"""Results as scripts: at most forty-five lines of PyTorch that make the same array without Convscope."""
