using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Catalogue.Schemas;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.Util;

namespace CapVault.Relayer.Orders;

/// <summary>What stands in the way of an order before anything is written.</summary>
public sealed class PreFlight(Services services, Agents agents, TermsDrafter drafter, OrderSteps steps, Spending spending)
{
    /// <summary>Everything that would refuse a negotiation of this service, or its payment, now.</summary>
    public async Task<ValidateOrderResult> ValidateAsync(
        string requesterAgentId, string serviceId, string? requirements, ThirdParties? thirdParties, CancellationToken cancellationToken)
    {
        var service = await services.FindAsync(serviceId, cancellationToken) ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);
        var requester = (await agents.FindAsync(requesterAgentId, cancellationToken))!;
        var provider = (await agents.FindAsync(service.AgentId, cancellationToken))!;
        var objections = Objections(service, provider, requester, requirements, thirdParties).ToList();
        try
        {
            await drafter.DraftAsync(service, requester, provider, requirements, cancellationToken);
        }
        catch (ApiException objection)
        {
            objections.Add(objection);
        }

        if (await steps.FindShortfallAsync(Address(service.Token), Address(requester.Account), service.Amount, cancellationToken) is { } shortfall)
        {
            objections.Add(shortfall);
        }

        if (await spending.FindExcessAsync(Address(service.Token), Address(requester.Account), service.Amount, cancellationToken) is { } excess)
        {
            objections.Add(excess);
        }

        return new ValidateOrderResult { Valid = objections.Count == 0, Reasons = objections.ConvertAll(Envelopes.ErrorOf) };
    }

    /// <summary>Everything that refuses a negotiation, the weightiest first.</summary>
    public static IEnumerable<ApiException> Objections(
        ServiceRow service, AgentRow provider, AgentRow requester, string? requirements, ThirdParties? thirdParties)
    {
        if (service.AgentId == requester.AgentId)
        {
            yield return ApiException.Invalid("serviceId", service.ServiceId, "a service of another agent: nobody buys from itself");
        }

        if (ThirdPartyTerms.FindPartial(service, requester) is { } field)
        {
            yield return ApiException.Invalid("serviceId", service.ServiceId, $"a service whose {field} is another account: nobody judges its own orders");
        }

        if (!service.Enabled)
        {
            yield return ApiException.State(ErrorCodes.ServiceDisabled, "The service takes no new orders. Look for another one.", new { serviceId = service.ServiceId });
        }

        if (provider.Paused)
        {
            yield return ApiException.State(
                ErrorCodes.ServiceDisabled,
                "The agent that sells the service is paused: it takes no new negotiations until its Owner resumes it. Try later, or look for another one.",
                new { serviceId = service.ServiceId, agentId = provider.AgentId, agentStatus = AgentStatus.Paused.Value });
        }

        if (ThirdPartyTerms.FindUnaccepted(service, thirdParties) is { } unaccepted)
        {
            yield return unaccepted;
        }

        if (OfRequirements(service, requirements) is { } ofRequirements)
        {
            yield return ofRequirements;
        }
    }

    private static string Address(byte[] bytes) => AddressUtil.Current.ConvertToChecksumAddress(bytes);

    private static ApiException? OfRequirements(ServiceRow service, string? requirements) => (service.RequirementType, requirements) switch
    {
        ("none", not null) => ApiException.Invalid("requirements", requirements, "none: this service takes no requirements"),
        ("schema", null) => ApiException.Missing("requirements"),
        ("schema", not null) => OfSchema(JsonSchemas.Validate(service.RequirementsSchema!, JsonSerializer.Deserialize<JsonElement>(requirements))),
        _ => null,
    };

    private static ApiException? OfSchema(IReadOnlyList<SchemaError> errors) => errors.Count == 0
        ? null
        : new ApiException(
            400,
            ErrorCodes.ValidationError,
            $"requirements{errors[0].Path}: {errors[0].Message} The service's requirementsSchema says what is expected.",
            new { field = "requirements", path = errors[0].Path, errors });
}
