"""Doubles of what only a Mac has: Core ML itself, Xcode's tools, and a phone behind them."""
