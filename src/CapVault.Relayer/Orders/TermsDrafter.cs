using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.Util;

namespace CapVault.Relayer.Orders;

/// <summary>Fixes the whole on-chain order when a negotiation begins: price, token and windows are the service version's, never the caller's.</summary>
public sealed class TermsDrafter(TokenFees fees, ChainClock clock, IOptions<RelayerOptions> options)
{
    /// <summary>The order, and the document whose hash it carries.</summary>
    public async Task<(Contracts.CAPVault.ContractDefinition.Order Order, string Document)> DraftAsync(
        ServiceRow service, AgentRow requester, AgentRow provider, string? requirements, CancellationToken cancellationToken)
    {
        var token = AddressUtil.Current.ConvertToChecksumAddress(service.Token);
        var config = await fees.OfAsync(token, cancellationToken);
        if (!config.Enabled)
        {
            throw ApiException.State(ErrorCodes.ServiceDisabled, $"The vault takes no new orders in {token}. Ask the vault's owner, or use another service.", new { token });
        }

        var document = Canonical(service, token, requirements);
        var order = new Contracts.CAPVault.ContractDefinition.Order
        {
            Requester = AddressUtil.Current.ConvertToChecksumAddress(requester.Account),
            Provider = AddressUtil.Current.ConvertToChecksumAddress(provider.Account),
            Token = token,
            Arbiter = AddressUtil.ZERO_ADDRESS,
            Approver = AddressUtil.ZERO_ADDRESS,
            CommissionTo = AddressUtil.ZERO_ADDRESS,
            Amount = service.Amount,
            FeeBps = config.MinFeeBps,
            CommissionBps = 0,
            PayDeadline = (ulong)(clock.Now + service.NegotiationTtlSeconds + options.Value.PayWindowSeconds),
            SlaSeconds = (uint)service.SlaSeconds,
            ReviewSeconds = 0,
            TermsHash = DeliverableHash.Keccak256(document),
            Salt = BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8)),
        };
        return (order, Encoding.UTF8.GetString(document));
    }

    private static byte[] Canonical(ServiceRow service, string token, string? requirements)
    {
        var document = JsonSerializer.SerializeToElement(
            new
            {
                version = 2, // 1 was without requirementType and the schemas
                service = new
                {
                    id = service.ServiceId,
                    service.Version,
                    service.Name,
                    service.Description,
                    service.RequirementType,
                    RequirementsSchema = ServiceRow.Json(service.RequirementsSchema),
                    service.DeliverableType,
                    DeliverableSchema = ServiceRow.Json(service.DeliverableSchema),
                },
                price = new { amount = Money.Format(service.Amount), token },
                service.SlaSeconds,
                requirements = requirements is null ? (JsonElement?)null : JsonSerializer.Deserialize<JsonElement>(requirements),
            },
            CapJson.Options);
        return CanonicalJson.Serialize(document);
    }
}
