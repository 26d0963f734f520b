using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Which rows of a list an agent asks for.</summary>
public sealed class ListFilter(string agentId, string? role, string? status, Paging paging)
{
    /// <summary>Statuses that an order can be asked for in.</summary>
    public static readonly string[] OrderStatuses =
    [
        .. ((OrderStatus[])
        [
            OrderStatus.Creating, OrderStatus.Created, OrderStatus.Paying, OrderStatus.Paid, OrderStatus.Delivering, OrderStatus.Delivered, OrderStatus.Disputed,
            OrderStatus.Clearing, OrderStatus.Rejecting, OrderStatus.Expiring, OrderStatus.Completed, OrderStatus.Rejected, OrderStatus.Expired, OrderStatus.CreateFailed,
        ]).Select(status => status.Value),
    ];

    /// <summary>Statuses that a negotiation can be asked for in.</summary>
    public static readonly string[] NegotiationStatuses =
    [
        .. ((NegotiationStatus[])[NegotiationStatus.Pending, NegotiationStatus.Accepted, NegotiationStatus.Rejected, NegotiationStatus.Expired]).Select(status => status.Value),
    ];

    /// <summary>The agent that must be a party.</summary>
    public string AgentId => agentId;

    /// <summary>Only in this status; null for all.</summary>
    public string? Status => status;

    /// <summary>See <see cref="Paging"/>.</summary>
    public long BeforeTime => paging.BeforeTime;

    /// <summary>See <see cref="Paging"/>.</summary>
    public string BeforeId => paging.BeforeId;

    /// <summary>See <see cref="Paging"/>.</summary>
    public long Offset => paging.Offset;

    /// <summary>One more than the page, to see whether there is a next one.</summary>
    public int Rows => paging.Limit + 1;

    /// <summary>SQL condition.</summary>
    public string Party => role switch
    {
        "requester" or "buyer" => "requester_agent_id = @AgentId",
        "provider" => "provider_agent_id = @AgentId",
        _ => "(requester_agent_id = @AgentId OR provider_agent_id = @AgentId)",
    };

    /// <summary>Reads <c>role</c> (CROO also says buyer), <c>status</c> and <c>agentId</c> (CROO's routes: <c>agent_id</c>).</summary>
    /// <exception cref="ApiException">400 for a role or a status that there is not, 403 for another agent.</exception>
    public static ListFilter From(HttpRequest request, string agentId, string[] statuses, Paging paging)
    {
        var role = request.Query["role"].ToString();
        if (role is not ("" or "requester" or "buyer" or "provider"))
        {
            throw ApiException.Invalid("role", role, $"{Role.Requester}, buyer or {Role.Provider}");
        }

        foreach (var field in new[] { "agentId", "agent_id" })
        {
            if (request.Query[field].ToString() is { Length: > 0 } asked && asked != agentId)
            {
                throw ApiException.Forbidden($"{field}: found {ApiException.Quote(asked)}, this key lists what {agentId} is a party to.");
            }
        }

        var status = request.Query["status"].ToString();
        return status.Length == 0 || statuses.Contains(status, StringComparer.Ordinal)
            ? new ListFilter(agentId, role, status.Length == 0 ? null : status, paging)
            : throw ApiException.Invalid("status", status, string.Join(", ", statuses));
    }
}
