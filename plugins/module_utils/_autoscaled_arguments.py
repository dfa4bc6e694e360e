# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to this collection: the options of autoscaled_service. Pure data."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]


def text(**more: Any) -> Spec:
    return {"type": "str", **more}


def number(**more: Any) -> Spec:
    return {"type": "int", **more}


def real(**more: Any) -> Spec:
    return {"type": "float", **more}


def flag(**more: Any) -> Spec:
    return {"type": "bool", **more}


def texts(**more: Any) -> Spec:
    return {"type": "list", "elements": "str", **more}


def one(options: Spec, **more: Any) -> Spec:
    return {"type": "dict", "options": options, **more}


def many(options: Spec, **more: Any) -> Spec:
    return {"type": "list", "elements": "dict", "options": options, **more}


VOLUME: Spec = {
    "device_name": text(required=True),
    "volume_size": number(),
    "volume_type": text(default="gp3", choices=["gp2", "gp3", "io1", "io2", "st1", "sc1"]),
    "iops": number(),
    "throughput": number(),
    "kms_key_id": text(),
    "snapshot_id": text(),
    "delete_on_termination": flag(default=True),
}
LAUNCH_TEMPLATE: Spec = {
    "version": text(),
    "image_id": text(),
    "instance_type": text(),
    "key_name": text(no_log=False),
    "instance_profile": text(),
    "security_groups": texts(),
    "user_data": text(),
    "metadata_hop_limit": number(default=1),
    "volumes": many(VOLUME),
    "ebs_optimized": flag(),
    "detailed_monitoring": flag(default=True),
    "hibernation": flag(default=False),
    "keep_versions": number(default=10),
    "adopt": text(default="at_once", choices=["at_once", "by_refresh"]),
}
MIXED: Spec = {
    "instance_types": texts(required=True),
    "instances_distribution": one(
        {
            "on_demand_allocation_strategy": text(),
            "on_demand_base_capacity": number(),
            "on_demand_percentage_above_base_capacity": number(),
            "spot_allocation_strategy": text(),
            "spot_max_price": text(),
        }
    ),
}
LOAD_BALANCER: Spec = {
    "name": text(required=True),
    "create": flag(default=False),
    "type": text(default="application", choices=["application", "network"]),
    "scheme": text(default="internal", choices=["internal", "internet-facing"]),
    "subnets": texts(),
    "security_groups": texts(),
    "cross_zone_load_balancing": flag(),
    "deletion_protection": flag(),
    "idle_timeout": number(),
    "dns_record_client_routing_policy": text(
        choices=["any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"]
    ),
}
LISTENER: Spec = {
    "port": number(required=True),
    "protocol": text(required=True, choices=["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"]),
    "certificate_arn": text(),
    "hostname": text(),
    "ssl_policy": text(),
}
RULE: Spec = {
    "listener_port": number(required=True),
    "priority": number(required=True),
    "hosts": texts(),
    "paths": texts(),
}
HEALTH_CHECK: Spec = {
    "health_check_protocol": text(choices=["HTTP", "HTTPS", "TCP"]),
    "health_check_port": text(),
    "health_check_path": text(),
    "health_check_interval": number(),
    "health_check_timeout": number(),
    "healthy_threshold_count": number(),
    "unhealthy_threshold_count": number(),
    "successful_response_codes": text(),
}
TARGET_GROUP: Spec = {
    "name": text(),
    "protocol": text(required=True, choices=["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"]),
    "port": number(required=True),
    "protocol_version": text(choices=["HTTP1", "HTTP2", "GRPC"]),
    **HEALTH_CHECK,
    "deregistration_delay_timeout": number(),
    "deregistration_connection_termination": flag(),
    "stickiness_enabled": flag(),
    "stickiness_type": text(choices=["lb_cookie", "app_cookie", "source_ip"]),
    "stickiness_lb_cookie_duration": number(),
    "stickiness_app_cookie_name": text(),
    "stickiness_app_cookie_duration": number(),
    "slow_start_duration": number(),
    "load_balancing_algorithm_type": text(choices=["round_robin", "least_outstanding_requests", "weighted_random"]),
    "cross_zone": text(choices=["true", "false", "use_load_balancer_configuration"]),
    "preserve_client_ip_enabled": flag(),
    "proxy_protocol_v2_enabled": flag(),
    "unhealthy_connection_termination": flag(),
    "minimum_healthy_targets_dns": text(),
    "minimum_healthy_percentage_dns": text(),
    "minimum_healthy_targets_routing": text(),
    "minimum_healthy_percentage_routing": text(),
    "listener": one(LISTENER),
    "rule": one(RULE),
}
METRIC: Spec = {
    "metric_name": text(required=True),
    "namespace": text(required=True),
    "statistic": text(default="Average", choices=["Average", "Minimum", "Maximum", "SampleCount", "Sum"]),
    "dimensions": {"type": "dict"},
    "unit": text(),
    "period": number(),
}
QUERY: Spec = {
    "id": text(required=True),
    "expression": text(),
    "label": text(),
    "return_data": flag(default=True),
    "metric_name": text(),
    "namespace": text(),
    "dimensions": {"type": "dict"},
    "stat": text(default="Average"),
    "unit": text(),
    "period": number(),
}
ALARM: Spec = {
    "metric_name": text(required=True),
    "namespace": text(required=True),
    "dimensions": {"type": "dict"},
    "statistic": text(default="Average", choices=["Average", "Minimum", "Maximum", "SampleCount", "Sum"]),
    "period": number(default=60),
    "evaluation_periods": number(default=2),
    "threshold": real(required=True),
    "comparison_operator": text(
        default="GreaterThanOrEqualToThreshold",
        choices=[
            "GreaterThanOrEqualToThreshold",
            "GreaterThanThreshold",
            "LessThanThreshold",
            "LessThanOrEqualToThreshold",
        ],
    ),
    "treat_missing_data": text(default="missing", choices=["breaching", "notBreaching", "ignore", "missing"]),
}
STEP: Spec = {"lower_bound": real(), "upper_bound": real(), "scaling_adjustment": number(required=True)}
POLICY: Spec = {
    "name": text(required=True),
    "policy_type": text(default="TargetTrackingScaling", choices=["TargetTrackingScaling", "StepScaling", "PredictiveScaling"]),
    "enabled": flag(default=True),
    "target_value": real(),
    "predefined_metric": text(),
    "target_group": text(),
    "customized_metric": one(METRIC),
    "metrics": many(QUERY),
    "disable_scale_in": flag(default=False),
    "estimated_instance_warmup": number(),
    "adjustment_type": text(choices=["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]),
    "step_adjustments": many(STEP),
    "metric_aggregation": text(choices=["Average", "Minimum", "Maximum"]),
    "min_adjustment_magnitude": number(),
    "alarm": one(ALARM),
    "mode": text(default="ForecastOnly", choices=["ForecastOnly", "ForecastAndScale"]),
    "scheduling_buffer_time": number(),
    "max_capacity_breach_behavior": text(choices=["HonorMaxCapacity", "IncreaseMaxCapacity"]),
    "max_capacity_buffer": number(),
}
SCHEDULE: Spec = {
    "name": text(required=True),
    "recurrence": text(),
    "time_zone": text(),
    "start_time": text(),
    "end_time": text(),
    "min_size": number(),
    "max_size": number(),
    "desired_capacity": number(),
}
HOOK: Spec = {
    "name": text(required=True),
    "transition": text(required=True, choices=["launching", "terminating"]),
    "heartbeat_timeout": number(default=3600),
    "default_result": text(default="ABANDON", choices=["ABANDON", "CONTINUE"]),
    "notification_meta_data": text(),
    "notification_target_arn": text(),
    "role_arn": text(),
}
WARM_POOL: Spec = {
    "enabled": flag(default=True),
    "state": text(default="Stopped", choices=["Stopped", "Running", "Hibernated"]),
    "min_size": number(default=0),
    "max_group_prepared_capacity": number(),
    "reuse_on_scale_in": flag(default=False),
}
NOTIFICATION: Spec = {"topic_arn": text(required=True), "types": texts(required=True)}
ARGUMENTS: Spec = {
    "name": text(required=True),
    "state": text(default="present", choices=["present", "absent"]),
    "launch_template": one(LAUNCH_TEMPLATE),
    "mixed_instances_policy": one(MIXED),
    "subnets": texts(aliases=["vpc_zone_identifier"]),
    "single_az": flag(default=False),
    "min_size": number(),
    "max_size": number(),
    "desired_capacity": number(),
    "health_check_type": text(choices=["EC2", "ELB"]),
    "health_check_period": number(),
    "start_time": number(),
    "detection_time": number(),
    "default_instance_warmup": number(),
    "default_cooldown": number(),
    "instance_maintenance_policy": one({"min_healthy_percentage": number(required=True), "max_healthy_percentage": number(required=True)}),
    "availability_zone_distribution": text(choices=["balanced-best-effort", "balanced-only"]),
    "termination_policies": texts(),
    "capacity_rebalance": flag(),
    "max_instance_lifetime": number(),
    "protected_from_scale_in": flag(),
    "suspend_processes": texts(),
    "metrics_collection": flag(),
    "load_balancer": one(LOAD_BALANCER),
    "target_groups": many(TARGET_GROUP),
    "scaling_policies": many(POLICY),
    "scheduled_actions": many(SCHEDULE),
    "lifecycle_hooks": many(HOOK),
    "warm_pool": one(WARM_POOL),
    "notifications": many(NOTIFICATION),
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": flag(default=True),
    "force_delete": flag(default=False),
    "wait": flag(default=True),
    "wait_timeout": number(default=300),
}
