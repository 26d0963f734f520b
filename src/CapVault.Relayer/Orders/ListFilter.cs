using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Which rows of a list an agent asks for.</summary>
public sealed class ListFilter(string agentId, string? role, string? status, Paging paging)
{
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
    /// <exception cref="ApiException">400 for a role that there is not.</exception>
    public static ListFilter From(HttpRequest request, string agentId, Paging paging)
    {
        var role = request.Query["role"].ToString();
        if (role is not ("" or "requester" or "provider"))
        {
            throw ApiException.Invalid("role", role, $"{Role.Requester} or {Role.Provider}");
        }

        return new ListFilter(agentId, role, request.Query["status"].ToString() is { Length: > 0 } status ? status : null, paging);
    }
}
