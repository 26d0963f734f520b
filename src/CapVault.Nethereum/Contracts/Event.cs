using Nethereum.ABI;
using Nethereum.ABI.Model;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Eth.Filters;

namespace Nethereum.Contracts;

/// <summary>An event of one contract.</summary>
public class EventBase
{
    private readonly IClient client;

    internal EventBase(IClient client, string contractAddress, EventABI eventABI)
    {
        this.client = client;
        ContractAddress = contractAddress;
        EventABI = eventABI;
    }

    /// <summary>Null is any contract.</summary>
    public string ContractAddress { get; }

    public EventABI EventABI { get; }

    public NewFilterInput CreateFilterInput(BlockParameter fromBlock = null, BlockParameter toBlock = null) => Filter(fromBlock, toBlock);

    /// <param name="filterTopic1">Values of the first indexed parameter, any of which matches; null is all.</param>
    public NewFilterInput CreateFilterInput(object[] filterTopic1, BlockParameter fromBlock = null, BlockParameter toBlock = null) =>
        Filter(fromBlock, toBlock, filterTopic1);

    /// <inheritdoc cref="CreateFilterInput(object[],BlockParameter,BlockParameter)"/>
    public NewFilterInput CreateFilterInput(object[] filterTopic1, object[] filterTopic2, BlockParameter fromBlock = null, BlockParameter toBlock = null) =>
        Filter(fromBlock, toBlock, filterTopic1, filterTopic2);

    /// <inheritdoc cref="CreateFilterInput(object[],BlockParameter,BlockParameter)"/>
    public NewFilterInput CreateFilterInput(object[] filterTopic1, object[] filterTopic2, object[] filterTopic3, BlockParameter fromBlock = null, BlockParameter toBlock = null) =>
        Filter(fromBlock, toBlock, filterTopic1, filterTopic2, filterTopic3);

    internal Task<FilterLog[]> GetLogsAsync(NewFilterInput filterInput) => new EthGetLogs(client).SendRequestAsync(filterInput);

    private NewFilterInput Filter(BlockParameter fromBlock, BlockParameter toBlock, params object[][] values) => new()
    {
        FromBlock = fromBlock,
        ToBlock = toBlock,
        Address = ContractAddress is null ? null : [ContractAddress],
        Topics = [EventABI.Sha3Signature.EnsureHexPrefix(), .. values.Select(TopicsOf)],
    };

    private object TopicsOf(object[] values, int index)
    {
        var type = EventABI.InputParameters.Where(parameter => parameter.Indexed).ElementAt(index).Type;
        return values?.Select(value => new ABIEncode().GetABIEncoded(new ABIValue(type, value)).ToHex(prefix: true)).ToArray();
    }
}

/// <summary>An event of one contract, by the class that it decodes to.</summary>
public class Event<TEventMessage> : EventBase where TEventMessage : new()
{
    public Event(IClient client, string contractAddress) : base(client, contractAddress, GetEventABI())
    {
    }

    public static EventABI GetEventABI() => EventExtensions.GetEventABI<TEventMessage>();

    public static EventLog<TEventMessage> DecodeEvent(FilterLog log) => log.DecodeEvent<TEventMessage>();

    public async Task<List<EventLog<TEventMessage>>> GetAllChangesAsync(NewFilterInput filterInput) =>
        (await GetLogsAsync(filterInput)).DecodeAllEvents<TEventMessage>();
}
