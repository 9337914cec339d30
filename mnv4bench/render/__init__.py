"""ROOM: conclusions become tables and figures. Nothing here reads a report or judges one."""
