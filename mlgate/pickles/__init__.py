"""The pickle engine: opcode machine, table of globals, fickling as second opinion."""
