# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab.reconcilers import haproxy, listener_rules
from lab.reconcilers.haproxy import Group, Listener, Target


def arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/0123456789abcdef"


def forward(**weights: int) -> dict[str, object]:
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn(name), "Weight": w} for name, w in weights.items()]},
    }


def rule(priority: str, action: dict[str, object], *conditions: dict[str, object]) -> dict[str, object]:
    return {"Priority": priority, "Conditions": list(conditions), "Actions": [action]}


FIXED: dict[str, object] = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["auth.x.example", "*.y"]}},
            r'req.hdr(host),field(1,:) -i -m reg -- "^auth\\.x\\.example\$" "^.*\\.y\$"',
        ),
        # The older form, which DescribeRules still gives for rules made with it.
        ({"Field": "host-header", "Values": ["a"]}, r'req.hdr(host),field(1,:) -i -m reg -- "^a\$"'),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a?c/*"]}}, r'path -m reg -- "^/a.c/.*\$"'),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["b*"]}},
            r'req.fhdr(X-A) -i -m reg -- "^b.*\$"',
        ),
        (
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v?"}, {"Value": "z"}]}},
            r'query -i -m reg -- "(^|&)k=v[^&](&|\$)" "(^|&)([^&=]*=)?z(&|\$)"',
        ),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}, 'method -m str -- "GET"'),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8", "192.0.2.1/32"]}}, "src 10.0.0.0/8 192.0.2.1/32"),
    ],
)
def test_conditions(condition: dict[str, object], expected: str) -> None:
    assert listener_rules.acl(condition) == expected


def test_rules_are_tried_by_priority_as_numbers_and_the_default_last() -> None:
    found = listener_rules.lines([rule("default", FIXED), rule("10", FIXED), rule("9", FIXED)], "HTTP", 80)
    chosen = [line.split("str(")[1].split(")")[0] for line in found if "set-var(txn.rule)" in line]
    assert chosen == ["80_9", "80_10", "80_default"]


def test_backends_are_chosen_after_all_other_actions() -> None:
    found = listener_rules.lines([rule("1", forward(a=1, b=1)), rule("2", FIXED)], "HTTP", 80)
    kinds = [line.split()[0] for line in found]
    assert kinds.index("use_backend") > max(index for index, kind in enumerate(kinds) if kind == "http-request")


@pytest.mark.parametrize(
    ("action", "lines", "forwards"),
    [
        (forward(a=1), [], {"443_5": "a"}),
        (forward(a=0, b=1), [], {"443_5": "b"}),  # a is checked, and gets nothing
        ({"Type": "forward", "TargetGroupArn": arn("a")}, [], {"443_5": "a"}),
        (forward(a=0), ["http-request return status 503 if { var(txn.rule) -m str 443_5 }"], {}),
        (
            forward(a=3, b=1),
            [
                "http-request set-var(txn.dice) rand(4) if { var(txn.rule) -m str 443_5 }",
                "use_backend a if { var(txn.rule) -m str 443_5 } { var(txn.dice) -m int lt 3 }",
                "use_backend b if { var(txn.rule) -m str 443_5 } { var(txn.dice) -m int lt 4 }",
            ],
            {},
        ),
    ],
)
def test_forward(action: dict[str, object], lines: list[str], forwards: dict[str, str]) -> None:
    rules = [rule("5", action)]
    assert listener_rules.lines(rules, "HTTPS", 443)[1:] == lines
    assert listener_rules.forwards(rules, 443) == forwards


def test_a_fixed_response_says_its_text_whatever_is_in_it() -> None:
    config = {"StatusCode": "503", "ContentType": "text/html", "MessageBody": 'a "b" $HOME\n\\'}
    action = {"Type": "fixed-response", "FixedResponseConfig": config}
    assert listener_rules.steps([action], "HTTP", 80) == [
        (r'http-request return status 503 content-type text/html string "a \"b\" \$HOME\n\\"', "")
    ]


def test_redirect_fills_its_placeholders() -> None:
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443", "Path": "/#{path}"}
    found = [line for line, _ in listener_rules.steps([{"Type": "redirect", "RedirectConfig": config}], "HTTP", 80)]
    assert found[0] == 'http-request set-var-fmt(txn.query) "?%[query]"'
    assert found[-1] == (
        'http-request redirect code 301 location "https://%[req.hdr(host),field(1,:)]:443/%[path,bytes(1)]%[var(txn.query)]"'
    )


def test_what_the_balancer_cannot_do_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="authenticate-oidc"):
        listener_rules.steps([{"Type": "authenticate-oidc"}, forward(a=1)], "HTTPS", 443)


def group(targets: tuple[Target, ...] = (), attributes: dict[str, str] | None = None, **description: object) -> Group:
    base: dict[str, object] = {
        "TargetGroupName": "a",
        "Protocol": "HTTP",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/ok",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 2,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200-299,404"},
    }
    return Group({**base, **description}, attributes or {}, targets)


def backend(group: Group) -> list[str]:
    text = haproxy.render([], [group], {}).partition("backend a\n")[2]
    return [line.strip() for line in text.splitlines()]


TARGET = Target("i-1", "10.0.0.5", 8080)
STICKY = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie", "stickiness.lb_cookie.duration_seconds": "60"}


def test_health_check_of_a_group() -> None:
    found = backend(group((TARGET,), HealthCheckPort="9000"))
    assert "http-check expect status 200-299,404" in found
    assert "timeout check 2s" in found
    assert "default-server inter 5s rise 3 fall 2" in found
    assert "server i-1_8080 10.0.0.5:8080 check port 9000" in found


@pytest.mark.parametrize(
    ("target", "attributes", "servers"),
    [
        (TARGET, {}, ["server i-1_8080 10.0.0.5:8080 check", "server i-1_8080_open 10.0.0.5:8080 backup"]),
        # Sticky requests may go on to a target that drains; nothing else does, and nobody checks it.
        (Target("i-1", "10.0.0.5", 8080, draining=True), {}, ["server i-1_8080 10.0.0.5:8080 weight 0"]),
        # The twin has no cookie: it would attract the sticky requests of an unhealthy target.
        (
            TARGET,
            STICKY,
            [f"server i-1_8080 10.0.0.5:8080 cookie {haproxy.digest('ai-1_8080')} check", "server i-1_8080_open 10.0.0.5:8080 backup"],
        ),
    ],
)
def test_servers_of_a_target(target: Target, attributes: dict[str, str], servers: list[str]) -> None:
    found = backend(group((target,), attributes))
    assert [line for line in found if line.startswith("server ")] == servers
    assert ("cookie AWSALB insert indirect nocache maxidle 60s" in found) == bool(attributes)


def test_a_switch_between_groups_leaves_the_configuration_alone() -> None:
    groups = [group((TARGET,)), group((TARGET,), TargetGroupName="b")]
    before, after = (Listener("HTTP", 80, (rule("1", forward(a=x, b=y)),)) for x, y in ((1, 0), (0, 1)))
    assert haproxy.render([before], groups, {}) == haproxy.render([after], groups, {})
    assert haproxy.map_file(haproxy.forwards([before])) == "80_1 a\n"
    assert haproxy.map_file(haproxy.forwards([after])) == "80_1 b\n"


def test_the_description_tells_configurations_apart_and_is_found_again() -> None:
    one, other = haproxy.render([], [group((TARGET,))], {}), haproxy.render([], [group()], {})
    assert haproxy.description(one) != haproxy.description(other)
    assert haproxy.description(one) == haproxy.description(f"Name: HAProxy\ndescription: {haproxy.description(one)}\nUptime: 0d\n")


def test_https_listener_serves_its_certificate_and_names_itself_to_the_target() -> None:
    text = haproxy.render(
        [Listener("HTTPS", 443, (), "arn:aws:acm:eu-west-1:1:certificate/abc")], [], {"idle_timeout.timeout_seconds": "90"}
    )
    assert "bind :443 ssl crt /etc/haproxy/certs/abc.pem alpn h2,http/1.1\n" in text
    assert "set-header X-Forwarded-Proto https\n" in text
    assert "timeout client 90s\n" in text


@pytest.mark.parametrize(
    ("protocol", "check", "server"),
    [
        # An ALB encrypts to its targets and looks at no certificate of theirs.
        ("HTTPS", "HTTPS", "server i-1_8443 10.0.0.5:8443 ssl verify none check"),
        ("HTTPS", "HTTP", "server i-1_8443 10.0.0.5:8443 ssl verify none check port 9000 no-check-ssl"),
        ("HTTP", "HTTPS", "server i-1_8443 10.0.0.5:8443 check port 9000 check-ssl verify none"),
    ],
)
def test_protocol_of_requests_and_of_health_checks(protocol: str, check: str, server: str) -> None:
    port = "9000" if protocol != check else "traffic-port"
    found = backend(group((Target("i-1", "10.0.0.5", 8443),), Protocol=protocol, HealthCheckProtocol=check, HealthCheckPort=port))
    assert server in found
