/* Versions of images: which there are, which one a name stands for, who was made of it. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

void image_version_row_clear(image_version_row *row)
{
	free(row->changelog);
	free(row->smoke_report);
	row->changelog = row->smoke_report = NULL;
}

void image_free(void *value)
{
	image *i = value;

	while (!sot_list_empty(&i->versions)) {
		image_version *v = SOT_CONTAINER(i->versions.next, image_version, of_image);
		sot_list_remove(&v->of_image);
		free(v);
	}
	free(i);
}

image *image_named(controller *c, sot_str name)
{
	image *i = sot_map_get(c->images, name.p, name.n);
	image_row row = {{0}, {0}, {0}, {0}, {0}};

	if (i)
		return i;
	model_copy_text(row.name, sizeof(row.name), name);
	return model_add_image(c, &row);
}

image_version *image_find_version(const image *i, sot_str version)
{
	for (sot_link *l = i->versions.next; l != &i->versions; l = l->next) {
		image_version *v = SOT_CONTAINER(l, image_version, of_image);
		if (sot_str_eq_c(version, v->row.version))
			return v;
	}
	return NULL;
}

image_version *image_add_version(image *i, const image_version_row *row)
{
	image_version *v = sot_alloc(sizeof(*v));

	v->row = *row;
	v->row.changelog = v->row.smoke_report = NULL;
	sot_list_init(&v->of_image);
	sot_list_push(&i->versions, &v->of_image);
	return v;
}

static image_version_row *row_of_batch(controller *c, const image_version *v)
{
	controller_batch *b = c->next;

	for (size_t k = 0; k < b->image_version_count; k++) {
		image_version_row *row = &b->image_versions[k];
		if (strcmp(row->image, v->row.image) == 0 && strcmp(row->version, v->row.version) == 0)
			return row;
	}
	return VECTOR_PUSH(b->image_versions, b->image_version_count, b->image_version_cap);
}

void image_save_version(controller *c, const image_version *v, char *changelog, char *smoke_report)
{
	image_version_row *row = row_of_batch(c, v);
	char *changelog_before = row->changelog, *report_before = row->smoke_report;

	*row = v->row;
	row->changelog = changelog ? changelog : changelog_before;
	row->smoke_report = smoke_report ? smoke_report : report_before;
	if (changelog)
		free(changelog_before);
	if (smoke_report)
		free(report_before);
}

void image_promote(controller *c, image *i, image_version *v)
{
	v->row.state = IMAGE_PROMOTED;
	v->row.promoted_unix_ms = c->now.wall.unix_ms;
	memcpy(i->row.version, v->row.version, sizeof(i->row.version));
	memcpy(i->row.reference, v->row.reference, sizeof(i->row.reference));
	touch_image(c, i);
	image_save_version(c, v, NULL, NULL);
}

size_t image_users(const controller *c, const char *reference, const instance **ret_first)
{
	instance_iter it = {0};
	const instance *i;
	size_t n = 0;

	*ret_first = NULL;
	while ((i = model_next_instance(c, &it))) {
		if (i->row.state == INSTANCE_RETIRED || strcmp(i->row.make->image, reference) != 0)
			continue;
		if (n++ == 0)
			*ret_first = i;
	}
	return n;
}
