/* footprint - keeps the agent's own memory small.
 */
#ifndef HOSTAGENT_FOOTPRINT_H
#define HOSTAGENT_FOOTPRINT_H

/* Once, before any thread: one arena, and what a burst needed goes back to the kernel. */
void footprint_init(void);
/* Gives free heap back. */
void footprint_trim(void);
/* Unmaps the pages of code and constants that are in memory: what is still used is mapped again at
 * its next use, from the page cache and without a read; what only a start or a rare task needed
 * (the symbols of 60 libraries) stays out. Of segments that are never written only. */
void footprint_forget_code(void);

#endif
