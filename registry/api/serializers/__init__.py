"""Shapes in and out, by noun: plain functions and JSON Schemas, for nothing here may decide anything."""
