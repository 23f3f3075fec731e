/* messages - the generated codecs that the controller's core speaks. */
#ifndef SCHEDULER_MESSAGES_H
#define SCHEDULER_MESSAGES_H

#include "sot_proto.h"

#endif
