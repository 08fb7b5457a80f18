//! Family S of the conformance catalogue: supervisors. (S-26, a lost node, is in `supervised_nodes.rs`.)

#[path = "supervisors/children.rs"]
mod children;
#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;
#[path = "supervisors/many.rs"]
mod many;
#[path = "supervisors/restarts.rs"]
mod restarts;
#[path = "supervisors/stops.rs"]
mod stops;
#[path = "supervisors/world.rs"]
mod world;

use children::*;
use many::*;
use restarts::*;
use stops::*;

cases! {
    on_one_node:
        s_01_children_start_in_order_and_stop_in_reverse,
        s_02_a_child_that_fails_at_the_first_start_is_named_and_none_remains,
        s_03_the_restart_kinds_nine_cases,
        s_04_one_for_one_restarts_only_the_one,
        s_05_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order,
        s_06_rest_for_one_restarts_it_and_the_later_ones,
        s_07_one_restart_too_many_within_the_period_ends_the_supervisor,
        s_08_after_a_pause_the_count_starts_afresh,
        s_09_a_supervisor_that_gave_up_is_restarted_by_its_own_until_that_gives_up_too,
        s_10_a_child_that_ignores_shutdown_is_killed_after_its_time,
        s_11_kill_comes_without_a_word_and_infinite_waits_until_the_supervisor_is_killed,
        s_12_a_child_that_unlinked_itself_is_stopped_all_the_same,
        s_13_a_child_that_ends_otherwise_while_it_is_stopped_is_reported,
        s_14_a_restart_that_fails_is_tried_again_and_calls_are_answered_between,
        s_15_a_restart_in_progress_does_not_delay_a_stop,
        s_16_an_identifier_in_use_is_an_error_and_the_child_untouched,
        s_17_terminate_keeps_delete_refuses_restart_starts,
        s_18_a_temporary_child_that_ended_is_gone_and_its_arguments_freed,
        s_19_a_child_that_ignores_is_kept_and_the_others_start,
        s_20_faulty_specifications_are_named_and_nothing_starts,
        s_21_a_child_among_many_costs_what_one_among_few_does_and_all_stop_at_once,
        s_22_a_killed_supervisor_leaves_nothing_running,
        s_23_the_end_of_significant_children_ends_the_supervisor,
        s_24_counts_and_lists_agree_during_restarts,
        s_25_a_tree_of_depth_four_is_gone_when_the_stop_returns,
        s_27_a_worker_that_panics_for_ever_leaves_memory_and_threads_flat,
        a_dynamic_supervisor_restarts_each_child_as_its_own_kind_says,
        a_dynamic_supervisor_has_no_more_children_than_it_may,
        an_exit_signal_from_a_child_that_lives_is_not_its_end,
        a_server_and_a_supervisor_are_children_and_sys_works_on_both;
    in_full:
        s_21_a_child_among_many_costs_what_one_among_few_does_and_all_stop_at_once,
        s_27_a_worker_that_panics_for_ever_leaves_memory_and_threads_flat;
}
