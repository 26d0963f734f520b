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
            OrderStatus.Rejecting, OrderStatus.Expiring, OrderStatus.Completed, OrderStatus.Rejected, OrderStatus.Expired, OrderStatus.CreateFailed,
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

    /// <summary>One more than the page, to see whether there is a next one.</summary>
    public int Rows => paging.Limit + 1;

    /// <summary>SQL condition.</summary>
    public string Party => role switch
    {
        "requester" => "requester_agent_id = @AgentId",
        "provider" => "provider_agent_id = @AgentId",
        _ => "(requester_agent_id = @AgentId OR provider_agent_id = @AgentId)",
    };

    /// <summary>Reads <c>role</c> and <c>status</c>.</summary>
    /// <exception cref="ApiException">400 for a role or a status that there is not.</exception>
    public static ListFilter From(HttpRequest request, string agentId, string[] statuses, Paging paging)
    {
        var role = request.Query["role"].ToString();
        if (role is not ("" or "requester" or "provider"))
        {
            throw ApiException.Invalid("role", role, $"{Role.Requester} or {Role.Provider}");
        }

        var status = request.Query["status"].ToString();
        return status.Length == 0 || statuses.Contains(status, StringComparer.Ordinal)
            ? new ListFilter(agentId, role, status.Length == 0 ? null : status, paging)
            : throw ApiException.Invalid("status", status, string.Join(", ", statuses));
    }
}
