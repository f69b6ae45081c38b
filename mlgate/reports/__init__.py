"""What people and tools read: one module an output."""
