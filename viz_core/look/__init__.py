"""Looking at what a network learnt and how it answers a picture."""
