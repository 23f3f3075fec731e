/* batch_events - what is told of new reservations, as the three arrays of its statement: the events
 * of one operation's addresses that come one after another are one, up to EVENT_ITEMS of them.
 * Written here: the database took a third of an allocation to put the same text together.
 */
#include "batch_events.h"

#include <stdlib.h>

enum { EVENT_ITEMS = 16, EVENT_BYTES_MAX = 4096 };

/* One event: some addresses of one operation. */
struct reservation_event {
	sot_uuid operation_id;
	sot_ip first; /* its subject, when it is the only one */
	size_t items;
	sot_buf data;
};

void reservation_events_clear(reservation_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		sot_buf_clear(&events->list[i].data);
	free(events->list);
	*events = (reservation_events){0};
}

static reservation_event *event_for(reservation_events *events, sot_uuid operation_id)
{
	reservation_event *last = events->count > 0 ? &events->list[events->count - 1] : NULL;
	if (last && last->items < EVENT_ITEMS && sot_uuid_eq(last->operation_id, operation_id))
		return last;
	if (events->count == events->room) {
		size_t room = events->room ? events->room * 2 : 64;
		events->list = sot_grow_array(events->list, events->room, room, sizeof(*events->list));
		events->room = room;
	}
	last = &events->list[events->count++];
	*last = (reservation_event){.operation_id = operation_id};
	sot_buf_init(&last->data, EVENT_BYTES_MAX);
	return last;
}

void reservation_events_add(
    reservation_events *events, sot_uuid operation_id, sot_ip address, sot_uuid owner)
{
	char text[SOT_IP_TEXT], id[SOT_UUID_TEXT];
	reservation_event *e = event_for(events, operation_id);
	if (e->items == 0)
		e->first = address;
	sot_buf_add_c(&e->data, e->items == 0 ? "{\"addresses\":[" : ",");
	sot_buf_add_c(&e->data, "{\"address\":\"");
	sot_buf_add_c(&e->data, sot_ip_format(address, text));
	sot_buf_add_c(&e->data, "\",\"owner\":\"");
	sot_buf_add_c(&e->data, sot_uuid_format(owner, id));
	sot_buf_add_c(&e->data, "\"}");
	e->items++;
}

static void add_subjects(const reservation_events *events, store_tx *tx)
{
	char text[SOT_IP_TEXT];
	store_arg_array_begin(tx);
	for (size_t i = 0; i < events->count; i++) {
		const reservation_event *e = &events->list[i];
		store_item_str(tx, sot_str_c(e->items == 1 ? sot_ip_format(e->first, text) : ""));
	}
	store_arg_array_end(tx);
}

static void add_operations(const reservation_events *events, store_tx *tx)
{
	store_arg_array_begin(tx);
	for (size_t i = 0; i < events->count; i++) {
		if (sot_uuid_is_zero(events->list[i].operation_id))
			store_item_null(tx);
		else
			store_item_uuid(tx, events->list[i].operation_id);
	}
	store_arg_array_end(tx);
}

void reservation_events_args(reservation_events *events, store_tx *tx)
{
	add_subjects(events, tx);
	add_operations(events, tx);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < events->count; i++) {
		sot_buf_add_c(&events->list[i].data, "],\"changed\":{\"state\":[\"free\",\"reserved\"]}}");
		store_item_str(tx, sot_buf_str(&events->list[i].data));
	}
	store_arg_array_end(tx);
}
