-- The users of Millrace for a ClickHouse that manages users by SQL; with users.xml mounted, this is not needed. Run it as an
-- administrator before `ctl tables migrate`, and again with every update: each statement replaces what is there. Then make a
-- user for each role, with the name and password that CLICKHOUSE_<ROLE>_USER and _PASSWORD tell the services:
--   CREATE USER analyst IDENTIFIED BY '…' DEFAULT ROLE millrace_role_analyst;
-- The user of migrations needs all rights on nostr and nostr_store, SET DEFINER, ALLOW SQL SECURITY NONE and SHOW ACCESS.
-- infra/local/src/clickhouse writes this file.

CREATE SETTINGS PROFILE OR REPLACE millrace_views SETTINGS readonly = 1, max_threads = 2, apply_row_policy_after_final = 1, use_query_condition_cache = 0, log_queries = 0;
CREATE USER IF NOT EXISTS millrace_views NOT IDENTIFIED HOST NONE;
ALTER USER millrace_views HOST NONE SETTINGS PROFILE millrace_views;
REVOKE ALL ON *.* FROM millrace_views;
GRANT SELECT ON nostr_store.events TO millrace_views;
GRANT SELECT ON nostr_store.event_tags TO millrace_views;
GRANT SELECT ON nostr_store.winners TO millrace_views;
GRANT SELECT ON nostr_store.winner_repairs TO millrace_views;
GRANT SELECT ON nostr_store.versions_shown TO millrace_views;
GRANT SELECT ON nostr_store.tombstone_events TO millrace_views;
GRANT SELECT ON nostr_store.tombstone_addresses TO millrace_views;
GRANT SELECT ON nostr_store.tombstone_pubkeys TO millrace_views;
GRANT SELECT ON nostr_store.expiring_versions TO millrace_views;
GRANT SELECT ON nostr_store.address_floors TO millrace_views;
GRANT SELECT ON nostr_store.vanished_keys TO millrace_views;
GRANT SELECT ON nostr_store.watermarks TO millrace_views;
CREATE ROW POLICY OR REPLACE millrace_shown ON nostr_store.events, nostr_store.event_tags, nostr_store.winners FOR SELECT USING kind NOT IN (4, 13, 14, 15, 1059, 21059) AND (expiration = 0 OR expiration > toUnixTimestamp(now())) AND (id, pubkey, kind IN (5, 62)) NOT IN ( SELECT event_id, author, arrayJoin(if(is_request = 1, [0], [0, 1])) FROM nostr_store.tombstone_events) AND (kind = 62 OR created_at >= transform( toString(pubkey), (SELECT (groupArray(owner), groupArray(above_s)) FROM nostr_store.vanished_keys).1, (SELECT (groupArray(owner), groupArray(above_s)) FROM nostr_store.vanished_keys).2, toUInt64(0))) AND (NOT (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999) OR concat(reverse(reinterpretAsFixedString(created_at)), bitNot(id)) > transform( toString(SHA256(concat(toString(kind), ':', pubkey, d))), (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).1, (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).2, '')) TO millrace_views;
-- Where a table with policies shows nothing to users without one.
CREATE ROW POLICY OR REPLACE millrace_everything ON nostr_store.events, nostr_store.event_tags, nostr_store.winners FOR SELECT USING 1 TO ALL EXCEPT millrace_views;
CREATE SETTINGS PROFILE OR REPLACE millrace_role_insert SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_blocks_in_dependent_materialized_views = 0, log_queries = 0, max_memory_usage = 1610612736 MIN 1 MAX 1610612736, max_execution_time = 300 MIN 0.001 MAX 300, max_threads = 2 MIN 1 MAX 2, max_concurrent_queries_for_user = 50 CONST, readonly = 0;
CREATE ROLE IF NOT EXISTS millrace_role_insert;
ALTER ROLE millrace_role_insert SETTINGS PROFILE millrace_role_insert;
GRANT SELECT, INSERT, ALTER UPDATE, ALTER DELETE, OPTIMIZE, TRUNCATE, dictGet ON nostr_store.* TO millrace_role_insert;
GRANT SELECT, dictGet ON nostr.* TO millrace_role_insert;
GRANT CREATE TEMPORARY TABLE ON *.* TO millrace_role_insert;
GRANT SYSTEM RELOAD DICTIONARY ON *.* TO millrace_role_insert;
GRANT SYSTEM MERGES ON nostr_store.* TO millrace_role_insert;
GRANT SELECT ON system.detached_parts TO millrace_role_insert;
GRANT SELECT ON system.tables TO millrace_role_insert;
GRANT SELECT ON system.columns TO millrace_role_insert;
GRANT SELECT ON system.databases TO millrace_role_insert;
GRANT SELECT ON system.parts TO millrace_role_insert;
GRANT SELECT ON system.mutations TO millrace_role_insert;
GRANT SELECT ON system.processes TO millrace_role_insert;
GRANT SELECT ON system.dictionaries TO millrace_role_insert;
CREATE SETTINGS PROFILE OR REPLACE millrace_role_req SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_blocks_in_dependent_materialized_views = 0, log_queries = 0, max_memory_usage = 536870912 MIN 1 MAX 536870912, max_execution_time = 10 MIN 0.001 MAX 600, max_threads = 2 MIN 1 MAX 2, max_concurrent_queries_for_user = 100 CONST, readonly = 2;
CREATE ROLE IF NOT EXISTS millrace_role_req;
ALTER ROLE millrace_role_req SETTINGS PROFILE millrace_role_req;
GRANT SELECT, dictGet ON nostr_store.* TO millrace_role_req;
GRANT SELECT, dictGet ON nostr.* TO millrace_role_req;
GRANT CREATE TEMPORARY TABLE ON *.* TO millrace_role_req;
GRANT SELECT ON system.tables TO millrace_role_req;
GRANT SELECT ON system.columns TO millrace_role_req;
GRANT SELECT ON system.databases TO millrace_role_req;
GRANT SELECT ON system.parts TO millrace_role_req;
GRANT SELECT ON system.mutations TO millrace_role_req;
GRANT SELECT ON system.processes TO millrace_role_req;
GRANT SELECT ON system.dictionaries TO millrace_role_req;
CREATE SETTINGS PROFILE OR REPLACE millrace_role_api SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_blocks_in_dependent_materialized_views = 0, log_queries = 0, max_memory_usage = 1073741824 MIN 1 MAX 1073741824, max_execution_time = 30 MIN 0.001 MAX 30, max_threads = 2 MIN 1 MAX 2, max_concurrent_queries_for_user = 50 CONST, readonly = 2;
CREATE ROLE IF NOT EXISTS millrace_role_api;
ALTER ROLE millrace_role_api SETTINGS PROFILE millrace_role_api;
GRANT SELECT, dictGet ON nostr_store.* TO millrace_role_api;
GRANT SELECT, dictGet ON nostr.* TO millrace_role_api;
GRANT CREATE TEMPORARY TABLE ON *.* TO millrace_role_api;
GRANT SELECT ON system.tables TO millrace_role_api;
GRANT SELECT ON system.columns TO millrace_role_api;
GRANT SELECT ON system.databases TO millrace_role_api;
GRANT SELECT ON system.parts TO millrace_role_api;
GRANT SELECT ON system.mutations TO millrace_role_api;
GRANT SELECT ON system.processes TO millrace_role_api;
GRANT SELECT ON system.dictionaries TO millrace_role_api;
CREATE SETTINGS PROFILE OR REPLACE millrace_role_analyst SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_blocks_in_dependent_materialized_views = 0, log_queries = 0, max_memory_usage = 1073741824 MIN 1 MAX 1073741824 CHANGEABLE_IN_READONLY, max_execution_time = 60 MIN 0.001 MAX 60 CHANGEABLE_IN_READONLY, max_threads = 2 MIN 1 MAX 2 CHANGEABLE_IN_READONLY, max_concurrent_queries_for_user = 8 CONST, readonly = 1, max_result_rows CHANGEABLE_IN_READONLY, max_result_bytes CHANGEABLE_IN_READONLY, result_overflow_mode CHANGEABLE_IN_READONLY, limit CHANGEABLE_IN_READONLY, offset CHANGEABLE_IN_READONLY, extremes CHANGEABLE_IN_READONLY, session_timezone CHANGEABLE_IN_READONLY, date_time_output_format CHANGEABLE_IN_READONLY, date_time_input_format CHANGEABLE_IN_READONLY, log_comment CHANGEABLE_IN_READONLY, output_format_json_quote_64bit_integers CHANGEABLE_IN_READONLY, output_format_json_quote_denormals CHANGEABLE_IN_READONLY, output_format_json_quote_decimals CHANGEABLE_IN_READONLY, output_format_json_named_tuples_as_objects CHANGEABLE_IN_READONLY, output_format_json_escape_forward_slashes CHANGEABLE_IN_READONLY, output_format_json_array_of_rows CHANGEABLE_IN_READONLY, output_format_write_statistics CHANGEABLE_IN_READONLY, output_format_pretty_max_rows CHANGEABLE_IN_READONLY, output_format_pretty_color CHANGEABLE_IN_READONLY, output_format_pretty_max_value_width CHANGEABLE_IN_READONLY, output_format_csv_crlf_end_of_line CHANGEABLE_IN_READONLY, format_csv_delimiter CHANGEABLE_IN_READONLY, output_format_arrow_string_as_string CHANGEABLE_IN_READONLY, output_format_parquet_string_as_string CHANGEABLE_IN_READONLY, enable_http_compression CHANGEABLE_IN_READONLY, http_zlib_compression_level CHANGEABLE_IN_READONLY, network_compression_method CHANGEABLE_IN_READONLY, http_wait_end_of_query CHANGEABLE_IN_READONLY, send_progress_in_http_headers CHANGEABLE_IN_READONLY, http_headers_progress_interval_ms CHANGEABLE_IN_READONLY, cancel_http_readonly_queries_on_client_close CHANGEABLE_IN_READONLY, join_use_nulls CHANGEABLE_IN_READONLY, group_by_use_nulls CHANGEABLE_IN_READONLY;
CREATE ROLE IF NOT EXISTS millrace_role_analyst;
ALTER ROLE millrace_role_analyst SETTINGS PROFILE millrace_role_analyst;
GRANT SELECT ON nostr.* TO millrace_role_analyst;
GRANT SELECT ON system.tables TO millrace_role_analyst;
GRANT SELECT ON system.columns TO millrace_role_analyst;
GRANT SELECT ON system.databases TO millrace_role_analyst;
CREATE QUOTA OR REPLACE millrace_analyst FOR INTERVAL 1 minute MAX queries = 600, execution_time = 120 TO millrace_role_analyst;
