#include "gw_machines_internal.h"

#include "sot_ip.h"
#include "sot_map.h"
#include "sot_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX (8u * 1024 * 1024)
#define LABELS_MAX 32

const char *const machine_columns[COLUMNS] = {
    "name", "address", "az", "rack", "labels", "oob", "port", "user", "sshkey"};

/* The file, and which of our columns each of its own is. */
typedef struct csv_reader {
	reader r;
	sot_str rest;
	int place[COLUMNS + 8];
	size_t place_count;
} csv_reader;

void gw_machines_init(gw_machines *m)
{
	*m = (gw_machines){0};
	sot_buf_init(&m->rows, JSON_BYTES_MAX);
	sot_buf_init(&m->errors, JSON_BYTES_MAX);
}

void gw_machines_clear(gw_machines *m)
{
	sot_buf_clear(&m->rows);
	sot_buf_clear(&m->errors);
}

/* Where the column is said, which may be another line than the machine's. */
static unsigned line_of(const reader *r, const char *where)
{
	for (int c = 0; c < COLUMNS; c++)
		if (r->lines[c] != 0 && strcmp(machine_columns[c], where) == 0)
			return r->lines[c];
	return r->line;
}

void machine_complain(reader *r, const char *where, const char *fmt, ...)
{
	char text[SOT_ERR_TEXT_MAX];
	va_list args;
	unsigned line = line_of(r, where);
	if (r->m->error_count++ >= GW_MACHINES_ERRORS_MAX)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sot_buf_printf(&r->m->errors,
	    "%s{\"pointer\":\"/lines/%u/%s\",\"line\":%u,\"column\":\"%s\",\"detail\":",
	    r->m->error_count > 1 ? "," : "", line, where, line, where);
	sot_buf_add_json(&r->m->errors, sot_str_c(text));
	sot_buf_add_char(&r->m->errors, '}');
}

/* ---- records of cells (RFC 4180, section 2; a line break inside quotes is refused) ---- */
sot_str machine_trimmed(sot_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (sot_str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* The next line that says something. */
static bool next_line(csv_reader *f, sot_str *ret)
{
	while (f->rest.n > 0) {
		f->r.line++;
		*ret = machine_trimmed(sot_str_cut(f->rest, '\n', &f->rest));
		if (ret->n > 0 && ret->p[0] != '#')
			return true;
	}
	return false;
}

/* Cuts the next cell off *line into `dst`. False, told: it is not well formed or too long. */
static bool next_cell(reader *r, sot_str *line, char dst[static CELL_MAX], bool *ret_more)
{
	size_t n = 0, i = 0;
	bool is_quoted = line->n > 0 && line->p[0] == '"', is_open = is_quoted;
	for (i = is_quoted ? 1 : 0; i < line->n && (is_open || line->p[i] != ','); i++) {
		if (is_open && line->p[i] == '"') {
			is_open = i + 1 < line->n && line->p[i + 1] == '"';
			i += is_open ? 1 : 0;
			if (!is_open)
				continue;
		}
		if (n + 1 >= CELL_MAX) {
			machine_complain(r, "", "a cell has more than %d bytes", CELL_MAX - 1);
			return false;
		}
		dst[n++] = line->p[i];
	}
	dst[n] = '\0';
	if (is_open) {
		machine_complain(r, "", "a quote is not closed on this line");
		return false;
	}
	*ret_more = i < line->n;
	*line = *ret_more ? (sot_str){line->p + i + 1, line->n - i - 1} : (sot_str){NULL, 0};
	if (!sot_str_is_utf8(sot_str_c(dst)) || strlen(dst) != n) {
		machine_complain(r, "", "a cell is not UTF-8 text");
		return false;
	}
	return true;
}

static bool read_header(csv_reader *f)
{
	reader *r = &f->r;
	char cell[CELL_MAX];
	bool has[COLUMNS] = {false}, more = true;
	sot_str line;
	if (!next_line(f, &line)) {
		machine_complain(
		    r, "", "the file is empty; its first line names the columns: name,address,az,rack");
		return false;
	}
	while (more) {
		int found = -1;
		if (!next_cell(r, &line, cell, &more))
			return false;
		for (int c = 0; c < COLUMNS; c++)
			if (sot_str_eq_c(machine_trimmed(sot_str_c(cell)), machine_columns[c]))
				found = c;
		if (found < 0 || has[found]) {
			machine_complain(r, "",
			    found < 0 ? "there is no column '%s'; known: name, address, az, rack, labels, oob, "
			                "port, user, sshkey"
			              : "column '%s' is there twice",
			    cell);
			return false;
		}
		has[found] = true;
		f->place[f->place_count++] = found;
	}
	for (int c = NAME; c <= RACK; c++)
		if (!has[c])
			machine_complain(r, machine_columns[c], "the column '%s' is missing in the first line",
			    machine_columns[c]);
	return r->m->error_count == 0;
}

static bool read_cells(csv_reader *f, sot_str line)
{
	reader *r = &f->r;
	bool more = true;
	size_t n = 0;
	for (int c = 0; c < COLUMNS; c++)
		r->cells[c][0] = '\0';
	while (more) {
		char cell[CELL_MAX];
		if (!next_cell(r, &line, cell, &more))
			return false;
		if (n < f->place_count) {
			sot_str s = machine_trimmed(sot_str_c(cell));
			memcpy(r->cells[f->place[n]], s.p, s.n);
			r->cells[f->place[n]][s.n] = '\0';
		}
		n++;
	}
	if (n == f->place_count)
		return true;
	machine_complain(r, "", "%zu cells, but the first line names %zu columns", n, f->place_count);
	return false;
}

/* ---- what a machine must be ---- */
static bool is_host_name(const char *s)
{
	size_t n = strlen(s);
	return n >= 2 && n <= 63 && sot_is_label(sot_str_c(s), 63) && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && s[n - 1] != '-';
}

/* Texts that go into command lines and files of a playbook: no blanks, quotes or controls. */
static bool is_plain_n(sot_str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        strchr(more, c) != NULL))
			return false;
	}
	return true;
}
static bool is_plain(const char *s, const char *more)
{
	return is_plain_n(sot_str_c(s), more);
}

/* "TYPE BASE64", as ssh-keyscan has it after the address. */
static bool is_ssh_key(const char *s)
{
	static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
	    "ecdsa-sha2-nistp521", "ssh-rsa"};
	sot_str bytes, type = sot_str_cut(sot_str_c(s), ' ', &bytes);
	while (bytes.n > 0 && bytes.p[bytes.n - 1] == '=')
		bytes.n--;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (sot_str_eq_c(type, types[i]))
			return bytes.n >= 40 && bytes.n <= 1500 && bytes.p + bytes.n + 2 >= s + strlen(s) &&
			       is_plain_n(bytes, "+/");
	return false;
}

static void check_twice(reader *r, sot_map *seen, column c, const char *key)
{
	size_t first = (size_t)(uintptr_t)sot_map_get(seen, key, strlen(key));
	if (first != 0)
		machine_complain(r, machine_columns[c], "%s '%s' is on line %zu already",
		    machine_columns[c], key, first);
	else
		(void)sot_map_set(seen, key, strlen(key), (void *)(uintptr_t)r->line);
}

static void check_rack(reader *r)
{
	const char *rack = r->cells[RACK], *az = r->cells[AZ];
	char *first = sot_map_get(r->racks, rack, strlen(rack));
	if (first == NULL) {
		char text[CELL_MAX + 24];
		(void)snprintf(text, sizeof(text), "%u %s", r->line, az);
		(void)sot_map_set(r->racks, rack, strlen(rack), sot_strdup(text));
		return;
	}
	sot_str zone, line = sot_str_cut(sot_str_c(first), ' ', &zone);
	if (!sot_str_eq_c(zone, az))
		machine_complain(r, "rack", "rack '%s' is in zone '%.*s' on line %.*s, here in '%s'", rack,
		    SOT_ARG(zone), SOT_ARG(line), az);
}

static void check_address(reader *r, sot_ip *ret)
{
	sot_err err = {0};
	char text[SOT_IP_TEXT];
	if (sot_ip_parse(sot_str_c(r->cells[ADDRESS]), ret, &err) != SOT_OK) {
		machine_complain(r, "address", "'%s' is not an IP address", r->cells[ADDRESS]);
		return;
	}
	check_twice(r, r->addresses, ADDRESS, sot_ip_format(*ret, text));
}

static void check_words(reader *r)
{
	for (column c = AZ; c <= RACK; c++)
		if (!sot_is_label(sot_str_c(r->cells[c]), 32))
			machine_complain(r, machine_columns[c],
			    "%s '%s' must be 1 to 32 lower-case letters, digits and '-'", machine_columns[c],
			    r->cells[c]);
	if (!is_plain(r->cells[OOB], ".:/@-_[]") || strlen(r->cells[OOB]) > 200)
		machine_complain(
		    r, "oob", "'%s' must be like ipmi://10.9.0.7: no blanks or quotes", r->cells[OOB]);
	if (!is_plain(r->cells[USER], "-_") || r->cells[USER][0] == '-' || strlen(r->cells[USER]) > 32)
		machine_complain(r, "user", "'%s' is no name of an account", r->cells[USER]);
	if (r->cells[SSH_KEY][0] != '\0' && !is_ssh_key(r->cells[SSH_KEY]))
		machine_complain(r, "sshkey",
		    "no public key of a host: a line of ssh-keyscan without the address, such as "
		    "'ssh-ed25519 AAAA...'");
}

static void add_labels(reader *r, sot_buf *out)
{
	sot_str rest = sot_str_c(r->cells[LABELS]);
	size_t n = 0;
	sot_buf_add_char(out, '[');
	while (rest.n > 0) {
		sot_str one = machine_trimmed(sot_str_cut(rest, ';', &rest));
		if (one.n == 0)
			continue;
		if (!sot_is_label(one, 32) || n == LABELS_MAX) {
			machine_complain(r, "labels",
			    n == LABELS_MAX ? "more than 32 labels, from '%.*s' on"
			                    : "label '%.*s' must be 1 to 32 lower-case letters, digits and '-'",
			    SOT_ARG(one));
			break;
		}
		sot_buf_add_c(out, n++ > 0 ? "," : "");
		sot_buf_add_json(out, one);
	}
	sot_buf_add_char(out, ']');
}

void machine_take(reader *r)
{
	sot_buf *out = &r->m->rows;
	sot_ip address = {0};
	uint64_t port = 22;
	char text[SOT_IP_TEXT];
	if (!is_host_name(r->cells[NAME]))
		machine_complain(r, "name",
		    "'%s' must be 2 to 63 lower-case letters, digits and '-', the first a letter",
		    r->cells[NAME]);
	else
		check_twice(r, r->names, NAME, r->cells[NAME]);
	check_address(r, &address);
	check_words(r);
	check_rack(r);
	if (r->cells[PORT][0] != '\0' &&
	    sot_parse_u64(sot_str_c(r->cells[PORT]), 1, 65535, &port, NULL) != SOT_OK)
		machine_complain(r, "port", "'%s' is no port", r->cells[PORT]);
	sot_buf_printf(out, "%s{\"line\":%u,\"name\":", r->m->row_count++ > 0 ? "," : "", r->line);
	sot_buf_add_json(out, sot_str_c(r->cells[NAME]));
	sot_buf_printf(out, ",\"address\":\"%s\",\"port\":%u,\"user\":", sot_ip_format(address, text),
	    (unsigned)port);
	sot_buf_add_json(out, r->cells[USER][0] != '\0' ? sot_str_c(r->cells[USER]) : SOT_STR("root"));
	sot_buf_add_c(out, ",\"az\":");
	sot_buf_add_json(out, sot_str_c(r->cells[AZ]));
	sot_buf_add_c(out, ",\"rack\":");
	sot_buf_add_json(out, sot_str_c(r->cells[RACK]));
	sot_buf_add_c(out, ",\"oob\":");
	sot_buf_add_json(out, sot_str_c(r->cells[OOB]));
	sot_buf_add_c(out, ",\"sshKey\":");
	sot_buf_add_json(out, sot_str_c(r->cells[SSH_KEY]));
	sot_buf_add_c(out, ",\"labels\":");
	add_labels(r, out);
	sot_buf_add_char(out, '}');
}

static void free_racks(sot_map *racks)
{
	sot_map_iter it = {0};
	char *text;
	while ((text = sot_map_next(racks, &it, NULL)) != NULL)
		free(text);
	(void)sot_map_free(racks);
}

void machine_reader_begin(reader *r, gw_machines *m)
{
	*r = (reader){
	    .m = m, .names = sot_map_new(), .addresses = sot_map_new(), .racks = sot_map_new()};
	sot_buf_add_char(&m->rows, '[');
	sot_buf_add_char(&m->errors, '[');
}

void machine_reader_end(reader *r)
{
	if (r->m->row_count == 0 && r->m->error_count == 0)
		machine_complain(r, "", "the file names no machine");
	sot_buf_add_char(&r->m->rows, ']');
	sot_buf_add_char(&r->m->errors, ']');
	(void)sot_map_free(r->names);
	(void)sot_map_free(r->addresses);
	free_racks(r->racks);
}

sot_str machine_text(sot_str text)
{
	if (sot_str_starts(text, "\xef\xbb\xbf")) /* as spreadsheets write it */
		text = (sot_str){text.p + 3, text.n - 3};
	return text;
}

void gw_machines_read(sot_str csv, gw_machines *m)
{
	csv_reader f = {.rest = machine_text(csv)};
	reader *r = &f.r;
	sot_str line;
	machine_reader_begin(r, m);
	if (read_header(&f)) {
		while (next_line(&f, &line) && m->row_count < GW_MACHINES_MAX)
			if (read_cells(&f, line))
				machine_take(r);
		if (f.rest.n > 0 && m->row_count == GW_MACHINES_MAX)
			machine_complain(r, "",
			    "more than %u machines in one file; bring the others in a second one",
			    GW_MACHINES_MAX);
	}
	machine_reader_end(r);
}
