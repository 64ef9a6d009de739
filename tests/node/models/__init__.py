"""Tests of node/models."""
