/* stock - images and packages that may be needed here soon, brought while nothing else is to be
 * done. */
#ifndef HOSTAGENT_STOCK_H
#define HOSTAGENT_STOCK_H

#include "agent.h"

stock *stock_new(agent *a);
stock *stock_free(stock *s);
/* What the scheduler says; what is on its way already is not taken twice. */
void stock_take(stock *s, const sot_stock *m);
/* Begins the next one when the agent has nothing else to do; at the end of the turn. */
void stock_pump(stock *s);

#endif
