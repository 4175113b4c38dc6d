#pragma once

/// What the process does on each signal that comes from outside.
typedef struct signal_actions signal_actions;

/// Notes the actions that there are; null where there is no memory.
signal_actions *signal_actions_save(void);

/// Sets the actions that differ from those noted back, and releases these.
///
/// Drivers bring compilers that install handlers of their own for Control-C and the like, over those of the program, and over those that whoever
/// started it wanted ignored. Signals that a fault of the program itself raises are left to them: a driver may live on handling some.
void signal_actions_restore(signal_actions *saved);
